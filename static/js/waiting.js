// The waiting page asks for its state and shows itself anew when that changed; it rests while nobody looks.
(() => {
  const address = location.pathname + "etat.json";
  const started = Date.now();
  const pause = () => {
    const age = (Date.now() - started) / 1000;
    return age < 30 ? 3000 : age < 120 ? 5000 : 15000;
  };
  const look = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(address, { cache: "no-store" });
        if (answer.ok) {
          const { state, checked } = await answer.json();
          if (state !== "waiting") return location.replace(location.pathname);
          document.getElementById("checked").textContent = checked;
        }
      } catch { /* The network comes back or the customer asks by the button. */ }
    }
    if (Date.now() - started < 600000) setTimeout(look, pause());
  };
  setTimeout(look, pause());
})();
