// `keepAlive(video, lost, retry)`: the video survives an address that has expired (a paused tab, a slept computer).
// A new one is asked for once; then `lost` is shown, and the person decides by the button `retry`, where there is one.
// What this browser can't play is no matter of the connection: then `lost` says so, in its words `data-unplayable`.

const MOVED_ON = 0.5; // s played behind a renewal: it has worked, and the next expiry may be renewed again

// as the studio names codecs → as browsers do
const TYPES = {
  h264: 'video/mp4; codecs="avc1.640028"',
  hevc: 'video/mp4; codecs="hvc1.1.6.L120.90"',
  av1: 'video/mp4; codecs="av01.0.08M.08"',
  vp9: 'video/mp4; codecs="vp09.00.40.08"',
};
const NAMES = { h264: "H.264", hevc: "HEVC", av1: "AV1", vp9: "VP9", mpeg4: "MPEG-4 Visual", prores: "ProRes" };

// Whether the trouble is the video's kind: its codec is none of the browser's, or it has arrived and can't be decoded.
async function isUnplayable(video, address) {
  const { code } = video.error || {};
  if (code === MediaError.MEDIA_ERR_DECODE) return true;
  if (code !== MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED) return false;
  const { codec } = video.dataset;
  if (codec && (!TYPES[codec] || !video.canPlayType(TYPES[codec]))) return true;
  const answer = await fetch(address, { headers: { Range: "bytes=0-0" }, redirect: "manual" }).catch(() => null);
  return Boolean(answer?.ok);
}

async function showLost(video, address, lost, retry) {
  const words = lost.querySelector("p") || lost;
  lost.dataset.lost ||= words.textContent;
  const unplayable = await isUnplayable(video, address);
  const name = NAMES[video.dataset.codec] || video.dataset.codec?.toUpperCase() || "?";
  words.textContent = unplayable ? lost.dataset.unplayable.replace("%s", name) : lost.dataset.lost;
  if (retry) retry.hidden = unplayable;
  lost.hidden = false;
}

export function keepAlive(video, lost, retry) {
  const address = video.getAttribute("src");
  let second = 0, wasPlaying = false, renewedAt = null;

  function renew() {
    renewedAt = second;
    lost.hidden = true;
    video.addEventListener("loadedmetadata", resume, { once: true });
    video.src = `${address}?again=${Date.now()}`;
    video.load();
  }

  function resume() {
    video.currentTime = renewedAt;
    if (wasPlaying) video.play().catch(() => {}); // the person presses play, where the browser wants that
  }

  function failed() {
    if (renewedAt === null) return renew();
    video.removeEventListener("loadedmetadata", resume);
    showLost(video, address, lost, retry);
  }

  function moved() {
    if (video.error || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return; // not where the person was
    second = video.currentTime;
    if (renewedAt !== null && Math.abs(second - renewedAt) > MOVED_ON) renewedAt = null;
  }

  video.addEventListener("error", failed);
  video.addEventListener("timeupdate", moved);
  video.addEventListener("seeking", () => !video.error && video.readyState && (second = video.currentTime));
  video.addEventListener("play", () => (wasPlaying = true));
  video.addEventListener("pause", () => (wasPlaying = wasPlaying && Boolean(video.error)));
  retry?.addEventListener("click", renew);
  if (video.error) failed();
}
