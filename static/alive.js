// studio.keepAlive(video, lost, retry): the video survives an address that has expired (a paused tab, a slept computer).
// A new one is asked for once; then `lost` is shown, and the person decides by the button `retry`, where there is one.
(() => {
  "use strict";

  const MOVED_ON = 0.5; // s played behind a renewal: it has worked, and the next expiry may be renewed again

  function keepAlive(video, lost, retry) {
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
      lost.hidden = false;
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

  window.studio = { ...window.studio, keepAlive };
})();
