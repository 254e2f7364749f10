// The position of each video that waits in the studio's queue: asked for every few seconds, and only while one is on
// the page.

const EVERY = 4000, LONGEST = 60000; // ms
const page = document.querySelector("[data-positions]");
let failures = 0;

const waiting = () =>
  [...page.querySelectorAll("[data-open=queued]")].filter((part) => part.querySelector("[data-ahead]"));

async function ask() {
  const parts = document.hidden ? [] : waiting();
  if (!parts.length) return;
  const ids = parts.map((part) => part.dataset.generation).join(",");
  try {
    const answer = await fetch(`${page.dataset.positions}?ids=${ids}`, { cache: "no-store", redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const words = await answer.json();
    for (const part of parts) part.querySelector("[data-ahead]").textContent = words[part.dataset.generation] || "";
    failures = 0;
  } catch {
    failures += 1; // live.js says that the connection is lost
  }
}

const again = () => ask().finally(() => setTimeout(again, Math.min(EVERY * 2 ** failures, LONGEST)));
if (page) {
  again();
  document.addEventListener("htmx:load", ({ detail }) => detail.elt.matches?.("[data-open=queued]") && ask());
}
