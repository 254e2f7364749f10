// The settings page: the browser is asked for its permission on a click there, and nowhere else.

const box = document.getElementById("id_order_browser");
const words = document.getElementById("permission");
const button = words.querySelector("button");

function show() {
  const state = "Notification" in window ? Notification.permission : "missing";
  words.hidden = !box.checked;
  words.querySelector("span").textContent = words.dataset[state];
  words.classList.toggle("notice--success", state === "granted");
  words.classList.toggle("notice--warning", state === "denied" || state === "missing");
  button.hidden = state !== "default";
}

async function ask() {
  if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
  show();
}

box.addEventListener("change", () => (box.checked ? ask() : show()));
button.addEventListener("click", ask);
show();
