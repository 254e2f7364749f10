// The page of a share link: its player goes on at the second when an address has expired in a pause.

import { keepAlive } from "studio/video_keepalive";

for (const player of document.querySelectorAll("[data-share-player]")) {
  keepAlive(player.querySelector("video"), player.querySelector("[data-broken]"), player.querySelector("[data-retry]"));
}
