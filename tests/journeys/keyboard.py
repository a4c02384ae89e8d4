"""A customer without a mouse: Tab, Enter, Space and the arrows, and what she sees of where she is."""

import re
from dataclasses import dataclass, field

from playwright.sync_api import Page

MOST_STOPS = 60
STOP = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const row = at.closest('.method') || at, marked = [[row, null], [at, null], [at, '::after']].some(([each, part]) => {
    const style = getComputedStyle(each, part);
    return style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 3;
  });
  const box = row.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2;
  const above = document.elementFromPoint(x, y);
  return {
    top: box.top + scrollY, left: box.left, right: box.right, bottom: box.bottom + scrollY, marked,
    seen: box.width > 0 && box.top < innerHeight && box.bottom > 0
      && (!above || row.contains(above) || above.contains(row) || y < 0 || y > innerHeight),
    main: !!at.closest('main'), page: location.href,
  };
}"""


@dataclass
class Keyboard:
    """Goes from stop to stop; each is marked, in sight, and in the order in which one reads."""

    page: Page
    faults: list[str] = field(default_factory=list)

    def goes_to(self, role: str, name: str) -> None:
        """Press Tab until this has the focus. Raises AssertionError if it never has."""
        wanted = re.compile(rf'- {role} "{name}')
        before, met = None, []
        for _stop in range(MOST_STOPS):
            self.page.keyboard.press("Tab")
            stop = self.page.evaluate(STOP)
            if not stop:
                before = None
                continue
            said = self.says()
            met.append(said)
            if self.shop_is_shown:
                self._look(stop, before, said)
            if wanted.search(said):
                return
            before = stop
        raise AssertionError(f"no {role} “{name}” among {met}")

    def presses(self, key: str) -> None:
        self.page.keyboard.press(key)

    def types(self, words: str) -> None:
        self.page.keyboard.type(words)

    def says(self) -> str:
        """Role and name of what has the focus, as a screen reader is told."""
        return self.page.locator(":focus").first.aria_snapshot()

    @property
    def shop_is_shown(self) -> bool:
        return self.page.locator("body > main#main").count() == 1

    def _look(self, stop: dict[str, float | bool], before: dict[str, float | bool] | None, said: str) -> None:
        if not stop["marked"]:
            self.faults.append(f"not marked: {said}")
        if not stop["seen"]:
            self.faults.append(f"out of sight: {said}")
        if before and stop["main"] and before["main"] and stop["page"] == before["page"]:
            one_column = stop["left"] < before["right"] and before["left"] < stop["right"]
            if one_column and stop["bottom"] < before["top"]:
                self.faults.append(f"upwards: {said}")
