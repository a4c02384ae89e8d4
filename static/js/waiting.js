// The waiting page asks for its state and shows itself anew when that changed; it rests while nobody looks.
(() => {
  const address = location.pathname + "etat.json";
  const shown = document.currentScript.dataset;
  let pause = Number(shown.again);
  const rest = () => setTimeout(look, pause * 1000);
  const look = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(address, { cache: "no-store" });
        const { state, stage, again, checked } = await answer.json();
        if (state !== shown.state || stage !== shown.stage) return location.replace(location.pathname);
        document.getElementById("checked").textContent = checked;
        pause = again;
      } catch {
        // The network comes back, or the customer asks by the button.
        pause = Math.min(pause * 2, 60);
      }
    }
    rest();
  };
  rest();
})();
