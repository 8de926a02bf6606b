// Asks for the page anew when something changed, and puts its content in place. Without it the page is the same, and still.
"use strict";
(() => {
  const main = document.getElementById("main");
  const state = document.getElementById("state");
  if (!main || !window.EventSource || document.querySelector("form[action='/login']")) return;
  const busy = () => main.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
  let waiting = null;
  const fresh = async () => {
    waiting = null;
    if (document.hidden || busy()) { ask(); return; }
    const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
    if (!answer || !answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
    if (!page || busy()) return;
    const open = [...main.querySelectorAll("details")].map((one) => one.open);
    page.querySelectorAll("details").forEach((one, at) => { one.open = open[at] ?? false; });
    if (page.innerHTML === main.innerHTML) return;
    const links = [...main.querySelectorAll("a, summary, pre")];
    const at = links.indexOf(document.activeElement);
    main.replaceChildren(...page.childNodes);
    if (at >= 0) main.querySelectorAll("a, summary, pre")[at]?.focus({ preventScroll: true });
    main.dataset.fresh = String(Number(main.dataset.fresh ?? 0) + 1);
  };
  const ask = () => { waiting ??= setTimeout(fresh, 500); };
  const source = new EventSource("/live");
  source.onmessage = ask;
  source.onopen = () => { state.textContent = "live"; };
  source.onerror = () => { state.textContent = "not connected"; };
})();
