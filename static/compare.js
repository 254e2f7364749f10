// Videos side by side in step: one bar plays, pauses and scrubs them all. Without this each has its own controls.

import { addShortcut } from "studio";
import { keepAlive } from "studio/video_keepalive";

const APART = 0.12; // s; less is not seen, and each correction costs a seek
const section = document.querySelector("[data-compare]");
const videos = [...section.querySelectorAll("video")];
const [bar, play, scrub, time, loop] = ["bar", "play", "scrub", "time", "loop"].map((name) =>
  section.querySelector(`[data-${name}]`)
);
const playWords = play.textContent;
const fps = Math.max(...videos.map((video) => Number(video.dataset.fps) || 24));
let leader = videos[0]; // the longest: it is there to the end

const isPlaying = () => !leader.paused && !leader.ended;
const seek = (video, second) => (video.currentTime = Math.min(second, video.duration || 0));

function show() {
  play.textContent = isPlaying() ? play.dataset.pauseWords : playWords;
  scrub.value = leader.currentTime;
  time.textContent = `${leader.currentTime.toFixed(2)} s`;
  scrub.setAttribute("aria-valuetext", time.textContent);
}

function goTo(second) {
  for (const video of videos) seek(video, second);
  show();
}

function playAll() {
  if (leader.ended) goTo(0);
  for (const video of videos) if (!video.ended) video.play().catch(() => {}); // the browser may want a press first
}

function pauseAll() {
  for (const video of videos) video.pause();
  goTo(leader.currentTime);
}

// a shorter one rests at its end until the leader is back where it has something to show
function keepInStep() {
  for (const video of videos) {
    if (video === leader || video.seeking) continue;
    const wanted = Math.min(leader.currentTime, video.duration || 0);
    if (Math.abs(video.currentTime - wanted) > APART) seek(video, wanted);
    if (isPlaying() && video.paused && !video.ended) video.play().catch(() => {});
  }
  show();
}

function step(by) {
  pauseAll();
  const frame = Math.floor(leader.currentTime * fps + 0.01) + by;
  goTo(Math.min(Math.max(frame + 0.5, 0.5) / fps, leader.duration || 0));
}

function measure() {
  leader = videos.reduce((longest, video) => ((video.duration || 0) > (longest.duration || 0) ? video : longest));
  scrub.max = leader.duration || 1;
  show();
}

function ended({ target }) {
  if (target !== leader) return;
  if (loop.getAttribute("aria-pressed") === "true") playAll();
  show();
}

for (const video of videos) {
  video.controls = false;
  video.addEventListener("loadedmetadata", measure);
  keepAlive(video, section.querySelector("[data-broken]"));
  video.addEventListener("ended", ended);
  video.addEventListener("timeupdate", () => video === leader && keepInStep());
  for (const name of ["play", "pause", "seeked"]) video.addEventListener(name, show);
  video.addEventListener("click", () => (isPlaying() ? pauseAll() : playAll()));
}
play.addEventListener("click", () => (isPlaying() ? pauseAll() : playAll()));
scrub.addEventListener("input", () => goTo(Number(scrub.value)));
loop.addEventListener(
  "click",
  () => loop.setAttribute("aria-pressed", String(loop.getAttribute("aria-pressed") !== "true")),
);

addShortcut(" ", section.dataset.plays, ({ target }) => {
  if (target.closest("button, a, summary")) return false; // there, Space is that one's own
  return isPlaying() ? pauseAll() : playAll();
});
addShortcut(",", section.dataset.stepBack, () => step(-1));
addShortcut(".", section.dataset.stepOn, () => step(1));
bar.hidden = false;
measure();
