// "Start with this frame": the moment is the player's, so nobody has to type it.

const hide = () => document.querySelectorAll("[data-frame-at]").forEach((field) => (field.hidden = true));

document.addEventListener("submit", ({ target }) => {
  if (target.matches("[data-frame-picker]")) {
    target.elements.at.value = document.querySelector("[data-player] video").currentTime;
  }
});
document.addEventListener("htmx:load", hide);
hide();
