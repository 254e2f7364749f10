// The bell: its menu is fetched when it is opened, its number follows live.js, and what is opened counts as read.

const bell = document.getElementById("bell");
const badge = bell?.querySelector(".bell__badge");
const list = bell?.querySelector(".bell__list");

function show(number) {
  const words = number > 9 ? "9+" : String(number);
  badge.textContent = words;
  badge.hidden = number === 0;
  const label = number ? `${bell.dataset.some} ${words}` : bell.dataset.none;
  bell.querySelector("summary").setAttribute("aria-label", label);
}

async function fill() {
  try {
    const answer = await fetch(bell.dataset.menu, { cache: "no-store", redirect: "error" });
    if (answer.ok) list.innerHTML = await answer.text();
  } catch {
    // the link to the page is still there
  }
}

const read = (data) =>
  fetch(list.dataset.read, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: data,
    keepalive: true, // the page is being left
    redirect: "error",
  });

async function readAll(form) {
  try {
    if (!(await read(new FormData(form))).ok) return form.submit();
  } catch {
    return form.submit();
  }
  show(0);
  const told = form.closest(".told");
  for (const line of told.querySelectorAll(".told__line--new")) line.classList.remove("told__line--new");
  for (const words of told.querySelectorAll(".told__line .visually-hidden")) words.remove();
  (told.querySelector(".told__line a") || bell.querySelector("summary")).focus();
  form.remove();
  told.querySelector(".told__counts")?.remove();
}

if (bell) {
  bell.addEventListener("toggle", () => bell.open && fill());
  document.addEventListener("submit", (event) => {
    if (!event.target.closest(".told")) return;
    event.preventDefault();
    readAll(event.target);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".told a[data-read]");
    const token = link?.closest(".told").querySelector("[name=csrfmiddlewaretoken]");
    if (!token) return;
    const data = new FormData();
    data.set("csrfmiddlewaretoken", token.value);
    data.set("id", link.dataset.read);
    read(data).catch(() => {}); // it stays unread
  });
  document.addEventListener("studio:moved", ({ detail }) => detail.unread !== undefined && show(detail.unread));
}
