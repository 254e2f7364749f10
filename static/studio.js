// What every page may use: the menus close, texts are copied, times are local, clocks tick.

for (const menu of document.querySelectorAll("details.menu")) {
  document.addEventListener("click", (event) => {
    if (menu.open && !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

async function copy(button) {
  const label = button.querySelector("[data-copy-label]");
  const words = label.textContent, source = document.querySelector(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent);
  label.textContent = label.dataset.copyLabel;
  setTimeout(() => (label.textContent = words), 1500);
}

// Times are the person's, in their language. Who has set no zone has the browser's, which the server is told of, since
// it filters by days and writes mails.
const browsersZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const timeZone = document.documentElement.dataset.zone || browsersZone;
if (browsersZone && !document.cookie.split("; ").includes(`time_zone=${browsersZone}`)) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `time_zone=${browsersZone}; path=/; max-age=31536000; samesite=lax${secure}`;
}

function localTime(element) {
  const moment = new Date(element.dateTime);
  element.title = moment.toLocaleString([], { timeZone, dateStyle: "full", timeStyle: "long" });
  element.textContent = element.dataset.local === "time"
    ? moment.toLocaleTimeString([], { timeZone })
    : moment.toLocaleString([], { timeZone, dateStyle: "medium", timeStyle: "short" });
  element.removeAttribute("data-local");
}

// seconds are counted from what the server said, so a wrong clock here does no harm
const started = new WeakMap();
function tick(element) {
  if (!started.has(element)) started.set(element, performance.now() - Number(element.dataset.elapsed) * 1000);
  const seconds = Math.floor((performance.now() - started.get(element)) / 1000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (number) => String(number).padStart(2, "0");
  element.textContent = hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  const late = element.parentElement.querySelector("[data-late]");
  if (late) late.hidden = seconds <= Number(late.dataset.late);
}

function look(root) {
  root.querySelectorAll("time[data-local]").forEach(localTime);
  root.querySelectorAll("[data-elapsed]").forEach(tick);
  if (!navigator.clipboard) return; // only secure pages may copy
  root.querySelectorAll("[data-copy][hidden]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  });
}

look(document);
document.addEventListener("htmx:load", (event) => look(event.detail.elt));
setInterval(() => document.querySelectorAll("[data-elapsed]").forEach(tick), 1000);

// that nothing is sent to fal is over by itself one day: asked for while it shows
const PAUSE_EVERY = 10000; // ms
async function refreshPause() {
  const banner = document.querySelector("[data-pause]");
  if (!banner) return;
  try {
    const answer = document.hidden ? null : await fetch(banner.dataset.pause, { cache: "no-store", redirect: "error" });
    if (answer?.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.querySelector("[data-pause]");
      if (!now) banner.remove();
      else if (now.textContent !== banner.dataset.words) {
        now.dataset.words = now.textContent;
        banner.replaceWith(now);
        look(now);
      }
    }
  } catch {
    // asked again in a moment
  }
  setTimeout(refreshPause, PAUSE_EVERY);
}
setTimeout(refreshPause, PAUSE_EVERY);
