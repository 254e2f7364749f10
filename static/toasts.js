// A word at the bottom of the page that goes by itself, with one verb at most: studio.toast("Moved.", { label, run }).
(() => {
  "use strict";

  const region = document.getElementById("toasts");
  const LASTS = 6000, WITH_A_VERB = 12000; // ms; longer while the pointer or the focus is on it

  function button(words, name, run) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = `toast__verb ${name}`;
    made.textContent = words;
    made.addEventListener("click", run);
    return made;
  }

  function toast(text, verb) {
    const shown = document.createElement("div");
    const words = document.createElement("p");
    shown.className = "toast";
    words.textContent = text;
    shown.append(words);
    let timer = 0;
    const go = () => shown.remove();
    const wait = () => (timer = setTimeout(go, verb ? WITH_A_VERB : LASTS));
    if (verb) shown.append(button(verb.label, "", () => (go(), verb.run())));
    const close = button("×", "toast__close", go);
    close.setAttribute("aria-label", region.dataset.close);
    shown.append(close);
    for (const name of ["pointerenter", "focusin"]) shown.addEventListener(name, () => clearTimeout(timer));
    for (const name of ["pointerleave", "focusout"]) shown.addEventListener(name, () => (clearTimeout(timer), wait()));
    region.append(shown);
    wait();
    return shown;
  }

  window.studio = { ...window.studio, toast };

  // what can be undone stands on the page where scripts are off; here it goes by itself
  for (const form of document.querySelectorAll(".notice__undo")) {
    const notice = form.closest(".notice"), label = form.querySelector("button").textContent;
    toast(notice.querySelector("span").textContent, { label, run: () => form.requestSubmit() });
    notice.hidden = true;
  }
})();
