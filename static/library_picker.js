// The picture library beside the composer or a shot: search, choose a picture, or drag it onto where it belongs. On a
// wide screen it stands beside the form, so that there is somewhere to drag to; on a narrow one it lies over it.

const dialog = document.getElementById("library-picker");
const search = dialog.querySelector("[data-picker-search]");
const items = dialog.querySelector("[data-picker-items]");
const error = dialog.querySelector("[data-picker-error]");
const isWide = matchMedia("(min-width: 60rem)");
const WAIT = 250; // ms after the last key

let opener, choose, asked;

async function load(before) {
  const address = new URL(dialog.dataset.url, location.href);
  address.searchParams.set("q", search.value);
  if (before) address.searchParams.set("before", before);
  asked?.abort();
  asked = new AbortController();
  error.hidden = true;
  try {
    const answer = await fetch(address, { signal: asked.signal, redirect: "error" });
    if (!answer.ok) throw new Error(answer.statusText);
    show(await answer.text(), before);
  } catch (cause) {
    if (cause.name === "AbortError") return; // another search was faster
    error.textContent = dialog.dataset.failed;
    error.hidden = false;
  }
}

function show(html, isMore) {
  if (!isMore) items.replaceChildren();
  items.querySelector(".picker__more")?.remove();
  const last = items.lastElementChild;
  items.insertAdjacentHTML("beforeend", html);
  if (isMore) (last?.nextElementSibling ?? last)?.querySelector("button")?.focus(); // the pressed button is gone
}

let typed = 0;
search.addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(load, WAIT);
});

items.addEventListener("click", ({ target }) => {
  const more = target.closest("[data-picker-more]");
  const picture = target.closest("[data-picker-picture]");
  if (more) load(more.dataset.pickerMore);
  if (!picture) return;
  dialog.close();
  choose(picture.dataset.pickerPicture);
});

items.addEventListener("dragstart", (event) => {
  const picture = event.target.closest("[data-picker-picture]");
  event.dataTransfer.clearData(); // the browser would give the thumbnail as a file
  event.dataTransfer.setData("application/x-library-picture", picture.dataset.pickerPicture);
  event.dataTransfer.effectAllowed = "copy";
});

dialog.addEventListener("keydown", (event) => {
  if (event.key === "Escape") dialog.close(); // a dialog beside the page does not do so by itself
});
dialog.addEventListener("close", () => opener.focus());

// `run` gets the address that makes a picture one's own
export function open(button, run) {
  opener = button;
  choose = run;
  if (!dialog.open) isWide.matches ? dialog.show() : dialog.showModal();
  search.select(); // what was searched for last stays, and gives way to what is typed
  load();
}
