// A short message at the bottom of the page that goes by itself, with one action at most:
// `toast("Moved.", { label: "Undo", run })`.

const region = document.getElementById("toasts");
const LASTS = 6000, WITH_ACTION = 12000; // ms; longer while the pointer or the focus is on it

function button(words, name, run) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = `toast__verb ${name}`;
  made.textContent = words;
  made.addEventListener("click", run);
  return made;
}

export function toast(text, action) {
  const element = document.createElement("div");
  const words = document.createElement("p");
  element.className = "toast";
  words.textContent = text;
  element.append(words);
  let timer = 0;
  const go = () => element.remove();
  const wait = () => (timer = setTimeout(go, action ? WITH_ACTION : LASTS));
  if (action) element.append(button(action.label, "", () => (go(), action.run())));
  const close = button("×", "toast__close", go);
  close.setAttribute("aria-label", region.dataset.close);
  element.append(close);
  for (const name of ["pointerenter", "focusin"]) element.addEventListener(name, () => clearTimeout(timer));
  for (const name of ["pointerleave", "focusout"]) element.addEventListener(name, () => (clearTimeout(timer), wait()));
  region.append(element);
  wait();
  return element;
}

// what can be undone stands on the page where scripts are off; here it goes by itself
for (const form of document.querySelectorAll(".notice__undo")) {
  const notice = form.closest(".notice"), label = form.querySelector("button").textContent;
  toast(notice.querySelector("span").textContent, { label, run: () => form.requestSubmit() });
  notice.hidden = true;
}
