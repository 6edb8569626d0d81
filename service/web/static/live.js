// Replaces the live part of a page: of a job whenever the service says that it has
// changed, of a list every few seconds while it is looked at. It goes on when the
// service was away. Without this script the page reloads itself.
(() => {
  const live = document.getElementById("live");
  const status = document.getElementById("status");
  if (!live || !window.EventSource) return;

  const sayEvery = 10000; // ms between what a screen reader says
  const listenAgain = 3000; // ms after an answer that was no stream
  const lookAgain = 5000; // ms after the last change: what was shown may have been remembered from before it
  let events;
  let later;
  let shown = "";
  let said = 0;
  let busy = false;
  let again = false;

  function show(html) {
    if (html === shown) return;
    shown = html;
    const focused = live.contains(document.activeElement) ? document.activeElement : null;
    const scrolled = [...live.querySelectorAll(".scroll")].map((e) => e.scrollLeft);
    live.innerHTML = html;
    live.querySelectorAll(".scroll").forEach((e, i) => { e.scrollLeft = scrolled[i] || 0; });
    const same = focused && (focused.id ? document.getElementById(focused.id)
      : [...live.querySelectorAll("[aria-label]")].find((e) => e.getAttribute("aria-label") === focused.getAttribute("aria-label")));
    if (same) same.focus({ preventScroll: true });
    const now = Date.now();
    const text = live.querySelector("[data-status]");
    if (text && now - said >= sayEvery) {
      said = now;
      status.textContent = text.textContent;
    }
  }

  async function refresh() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const answer = await fetch(live.dataset.fragment);
      if (answer.redirected) location.reload(); // to where one logs in
      else if (answer.ok) show(await answer.text());
    } catch {
      // The service is gone: the event source tries again.
    }
    busy = false;
    if (events && live.querySelector("[data-over]")) {
      events.close();
      clearTimeout(later);
    }
    if (again) {
      again = false;
      refresh();
    }
  }

  function changed() {
    clearTimeout(later);
    later = setTimeout(refresh, lookAgain);
    refresh();
  }

  function listen() {
    events = new EventSource(live.dataset.events);
    events.onmessage = changed;
    events.onerror = () => {
      // A connection that breaks is made again by the browser; what a proxy says of a
      // service that is away, or a page to log in, ends it.
      if (events.readyState !== EventSource.CLOSED) return;
      setTimeout(() => {
        refresh();
        listen();
      }, listenAgain);
    };
  }

  if (live.dataset.events) listen();
  else setInterval(() => { if (!document.hidden) refresh(); }, Number(live.dataset.every));
})();
