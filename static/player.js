// The page of one video: its player steps by frames and remembers whether to loop; a frame is chosen by where the player
// stands; keys lead to the neighbours.

import { addShortcut } from "studio";
import { keepAlive } from "studio/video_keepalive";

const LOOP = "studio.loop";
const known = new WeakSet();
let hasKeys = false;

const current = () => document.querySelector("[data-player]");

function remembered() {
  try {
    return localStorage.getItem(LOOP) === "on";
  } catch {
    return false; // a browser that keeps nothing
  }
}

function remember(isOn) {
  try {
    localStorage.setItem(LOOP, isOn ? "on" : "off");
  } catch {
    // then it holds for this page
  }
}

function setLoop(player, isOn) {
  player.querySelector("video").loop = isOn;
  player.querySelector("[data-loop]").setAttribute("aria-pressed", String(isOn));
}

function switchLoop(player) {
  const isOn = !player.querySelector("video").loop;
  setLoop(player, isOn);
  remember(isOn);
}

const frameAt = (video, fps) => Math.floor(video.currentTime * fps + 0.01);

// to the middle of the frame, so that rounding never shows its neighbour
function step(player, by) {
  const video = player.querySelector("video");
  const fps = Number(player.dataset.fps) || 24;
  if (!video.duration) return;
  video.pause();
  const last = Math.max(Math.ceil(video.duration * fps) - 1, 0);
  const frame = Math.min(Math.max(frameAt(video, fps) + by, 0), last);
  video.currentTime = Math.min((frame + 0.5) / fps, video.duration);
}

function addKeys({ dataset }) {
  hasKeys = true;
  const onPlayer = (run) => () => (current() ? run(current()) : false);
  addShortcut(",", dataset.stepBack, onPlayer((player) => step(player, -1)));
  addShortcut(".", dataset.stepOn, onPlayer((player) => step(player, 1)));
  addShortcut("l", dataset.loops, onPlayer(switchLoop));
}

function begin(player) {
  known.add(player);
  const video = player.querySelector("video");
  const fps = Number(player.dataset.fps) || 24;
  const frame = player.querySelector("[data-frame]");
  const count = () => (frame.textContent = frameAt(video, fps) + 1);
  for (const name of ["timeupdate", "seeked", "loadedmetadata"]) video.addEventListener(name, count);
  for (const button of player.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => step(player, Number(button.dataset.step)));
  }
  player.querySelector("[data-loop]").addEventListener("click", () => switchLoop(player));
  player.querySelector("[data-bar]").hidden = false;
  setLoop(player, remembered());
  keepAlive(video, player.querySelector("[data-broken]"), player.querySelector("[data-retry]"));
  if (!hasKeys) addKeys(player);
}

function look() {
  const player = current();
  if (player && !known.has(player)) begin(player);
}

look();
document.addEventListener("htmx:load", look);

// --- "Use as start frame": the moment is the player's, so nobody has to type it.

const hideMoments = () => document.querySelectorAll("[data-frame-at]").forEach((field) => (field.hidden = true));

document.addEventListener("submit", ({ target }) => {
  if (target.matches("[data-frame-picker]")) {
    target.elements.at.value = document.querySelector("[data-player] video").currentTime;
  }
});
document.addEventListener("htmx:load", hideMoments);
hideMoments();

// --- Links and buttons with a data-key are pressed by that key, and `?` lists them.

for (const { dataset: { key, words } } of document.querySelectorAll("[data-key]")) {
  addShortcut(key, words, () => document.querySelector(`[data-key="${key}"]`)?.click()); // the panel comes anew
}
