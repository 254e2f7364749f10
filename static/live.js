// Live updates: asks /events what has moved and lets htmx fetch those parts again.
// Each second while something on the page is being made, faster in the few in which a made one is being copied,
// each 15 s otherwise and while nobody looks.
(() => {
  "use strict";

  const page = document.querySelector("[data-live]");
  if (!page) return;
  const HURRIED = 300, HURRY_LASTS = 5000, FAST = 1000, SLOW = 15000, SLOWEST_RETRY = 30000;
  const words = document.createElement("p"); // the quiet notice at the bottom
  words.className = "connection";
  words.setAttribute("role", "status");
  document.body.append(words);

  let since = Number(page.dataset.now), etag = "", failures = 0, timer = 0, isAsking = false, hurriedUntil = 0;
  const asked = new Map(); // id → the version that was last fetched

  const parts = (id) => page.querySelectorAll(`[data-generation="${CSS.escape(id)}"]`);
  const isBusy = () => page.querySelector("[data-open]") !== null;
  const isNearlyDone = () => Date.now() < hurriedUntil && page.querySelector("[data-open=mirroring]") !== null;

  function delay() {
    if (failures) return Math.min(FAST * 2 ** failures, SLOWEST_RETRY);
    if (document.hidden || !isBusy()) return SLOW;
    return isNearlyDone() ? HURRIED : FAST;
  }

  function plan(milliseconds = delay()) {
    clearTimeout(timer);
    timer = setTimeout(ask, milliseconds);
  }

  async function ask() {
    if (isAsking) return;
    isAsking = true;
    try {
      const address = `${page.dataset.live}?since=${since}`;
      const answer = await fetch(address, {
        headers: etag ? { "If-None-Match": etag } : {},
        cache: "no-store",
        redirect: "manual",
        signal: AbortSignal.timeout(10000),
      });
      if (answer.type === "opaqueredirect") return signedOut();
      if (!answer.ok && answer.status !== 304) throw new Error(String(answer.status));
      if (answer.status === 200) take(answer.headers.get("ETag"), await answer.json());
      failures = 0;
      words.textContent = "";
    } catch {
      failures += 1;
      if (failures > 1) words.textContent = page.dataset.lost;
    } finally {
      isAsking = false;
    }
    plan();
  }

  function take(newEtag, { now, moved }) {
    document.dispatchEvent(new CustomEvent("studio:moved", { detail: { since } })); // for browser_notifications.js
    etag = newEtag || "";
    since = now;
    hurriedUntil = Date.now() + HURRY_LASTS; // not for hours, should the bucket be away
    for (const [id, version] of moved) {
      for (const part of parts(id)) {
        if (version <= Math.max(Number(part.dataset.version), asked.get(id) || 0)) continue;
        asked.set(id, version);
        htmx.trigger(part, "moved");
      }
    }
  }

  function signedOut() {
    words.textContent = page.dataset.signedOut;
  }

  // a part that could not be fetched is asked for again, even if it does not move any more
  function again(event) {
    const id = event.detail.elt.dataset.generation;
    if (!id) return;
    asked.delete(id);
    setTimeout(() => parts(id).forEach((part) => htmx.trigger(part, "moved")), 3000);
  }
  document.addEventListener("htmx:sendError", again);
  document.addEventListener("htmx:timeout", again);
  document.addEventListener("htmx:responseError", (event) => {
    const { status, responseText } = event.detail.xhr;
    if (status >= 500) again(event);
    else if (status === 403 && event.detail.xhr.getResponseHeader("Content-Type")?.startsWith("text/plain")) studio.toast(responseText);
  });

  // the sign-in page must not land inside a card
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (new URL(xhr.responseURL || location.href).pathname === new URL(requestConfig.path, location.href).pathname) return;
    event.detail.shouldSwap = false;
    signedOut();
  });

  // the log stays where the reader left it: at its end, or where they have scrolled to
  let log = null;
  document.addEventListener("htmx:beforeSwap", () => {
    const element = page.querySelector(".log");
    log = element && { top: element.scrollTop, atEnd: element.scrollTop + element.clientHeight > element.scrollHeight - 8 };
  });
  document.addEventListener("htmx:load", () => {
    const element = page.querySelector(".log");
    if (element) element.scrollTop = !log || log.atEnd ? element.scrollHeight : log.top;
  });

  // what has changed is said once, and not each byte of a copy
  const announce = page.querySelector("[data-announce]");
  const withoutNumbers = (text) => text.replace(/[\d.,]+/g, "");
  let before = "";
  document.addEventListener("htmx:beforeSwap", (event) => (before = event.detail.target.dataset?.says || ""));
  document.addEventListener("htmx:load", (event) => {
    const says = event.detail.elt.dataset?.says;
    if (says && withoutNumbers(says) !== withoutNumbers(before)) announce.textContent = says;
  });

  document.addEventListener("htmx:load", () => isNearlyDone() && plan());
  document.addEventListener("visibilitychange", () => !document.hidden && plan(0));
  window.addEventListener("online", () => plan(0));
  plan();
})();
