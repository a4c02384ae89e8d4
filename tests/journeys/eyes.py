"""What can be measured of a page by looking at it: each of these gives the faults that it sees, as texts."""

from playwright.sync_api import Page

MOVED = """() => new Promise(told => {
  let moved = 0;
  new PerformanceObserver(seen => {
    for (const shift of seen.getEntries()) if (!shift.hadRecentInput) moved += shift.value;
  }).observe({type: 'layout-shift', buffered: true});
  requestAnimationFrame(() => setTimeout(() => told(moved)));
})"""

FRAME = """() => {
  const faults = [], see = selector => [...document.querySelectorAll(selector)].filter(each => each.checkVisibility());
  const name = each => each.id || each.name || each.className || each.tagName;
  if (!document.querySelector('a[href$="/contact/"]')) faults.push('no way to the imprint');
  if (document.querySelector('input[type=password]')) faults.push('a password');
  if (document.querySelector('.steps') && document.querySelectorAll('[aria-current=step]').length !== 1)
    faults.push('not one step');
  if (document.querySelector('.checkout') && see('header a').length > 5) faults.push('a long header');
  const tops = new Map();
  for (const field of see('.field :is(input:not([type=checkbox]), select, textarea)')) {
    const row = Math.round(field.getBoundingClientRect().top), pair = field.closest('.field-pair');
    if (tops.has(row) && (!pair || tops.get(row) !== pair)) faults.push('beside another field: ' + name(field));
    tops.set(row, pair);
    if (field.offsetWidth > 640) faults.push('too wide: ' + name(field));
  }
  for (const mark of see('.marks img'))
    if (mark.offsetWidth !== 48 || mark.offsetHeight !== 30 || !mark.alt) faults.push('a mark: ' + mark.src);
  for (const error of see('.field > .error'))
    if (error.offsetWidth < 320) faults.push('a narrow message: ' + error.id);
  for (const aside of see('.checkout-aside'))
    if (getComputedStyle(aside).position !== 'sticky') faults.push('a summary that scrolls away');
  return faults;
}"""

ASTRAY = """() => {
  const see = selector => [...document.querySelectorAll(selector)].filter(each => each.checkVisibility());
  const box = each => each.getBoundingClientRect();
  return see('.field > .error').filter(error => {
    const field = error.parentElement, message = box(error), next = box(field.querySelector('input, select, textarea'));
    const beside = see('.field :is(label, input, select, textarea)')
      .some(each => box(each).top < message.bottom && box(each).bottom > message.top);
    return beside || box(field.querySelector('label')).bottom > message.top || next.top < message.bottom;
  }).map(error => error.id);
}"""

SMALL_TARGETS = """() => {
  const controls = '.button, .method, summary, .field select, .field textarea, '
    + 'input:not([type=hidden], [type=radio], [type=checkbox])';
  return [...document.querySelectorAll(controls)]
    .filter(each => each.checkVisibility() && !each.closest('.hidden-text') && each.getBoundingClientRect().height < 44)
    .map(each => `${each.tagName} ${each.id || each.textContent.trim()}`);
}"""

CUT = """() => [...document.querySelectorAll('body *')].filter(each => {
  const style = getComputedStyle(each), cuts = style.overflowX !== 'visible' || style.overflowY !== 'visible';
  return cuts && each.checkVisibility() && !['INPUT', 'SELECT', 'TEXTAREA'].includes(each.tagName)
    && !each.matches('.hidden-text, .steps-name') && each.clientWidth > 1
    && (each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1);
}).map(each => each.className || each.tagName)"""

WITHOUT_EDGE = """() => [...document.querySelectorAll('.button, .field select, .notice, .card, .badge, '
    + '.field input:not([type=hidden], [type=radio], [type=checkbox])')].filter(each => {
  const style = getComputedStyle(each);
  return each.checkVisibility() && (style.borderTopStyle !== 'solid' || parseFloat(style.borderTopWidth) < 1);
}).map(each => each.className || each.id)"""

TOTAL_IN_SIGHT = """() => {
  const total = document.querySelector('.notice b.money, .mini .money');
  const errors = document.querySelector('.notice-error:has(> ul)');
  const above = errors ? errors.getBoundingClientRect().height : 0;
  return total !== null && total.getBoundingClientRect().bottom + scrollY <= innerHeight + above;
}"""

TOO_WIDE = "() => document.documentElement.scrollWidth - innerWidth"


def moved(page: Page) -> float:
    """How much the page jumped while it was drawn (cumulative layout shift)."""
    return float(page.evaluate(MOVED))


def faults_of_the_frame(page: Page) -> list[str]:
    return list(page.evaluate(FRAME))


def messages_astray(page: Page) -> list[str]:
    """Messages about a field that do not stand between its label and itself, or stand beside another field."""
    return list(page.evaluate(ASTRAY))


def small_targets(page: Page) -> list[str]:
    """Controls of less than 44 px in height."""
    return list(page.evaluate(SMALL_TARGETS))


def without_edge(page: Page) -> list[str]:
    """Controls and boxes that only their colour sets apart."""
    return list(page.evaluate(WITHOUT_EDGE))


def total_is_in_sight(page: Page) -> bool:
    """Whether the total, in its own line or in a notice that tells of a change, stands in the window before anybody
    scrolls; only a list of what is to be mended may push it down."""
    return bool(page.evaluate(TOTAL_IN_SIGHT))


def reaches_beyond(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    return int(page.evaluate(TOO_WIDE))


def cut_with_large_text(page: Page) -> list[str]:
    """What is cut off, or reaches beyond the window, for a reader whose browser shows all text at 200 %."""
    browser = page.context.new_cdp_session(page)
    browser.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    cut = list(page.evaluate(CUT))
    beyond = reaches_beyond(page)
    browser.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})
    browser.detach()
    return cut + ([f"{beyond} px beyond the window"] if beyond > 0 else [])
