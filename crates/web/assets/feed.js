// The live feed: asks again every few seconds while the page is seen. Without it, reloading the page does the same.
"use strict";
const feed = document.getElementById("feed");
let running = false;
async function refresh() {
  if (running || document.hidden || !feed || feed.matches(":focus-within") || new URLSearchParams(location.search).has("at")) return;
  running = true;
  try {
    const answer = await fetch("/ledger/feed", { headers: { accept: "text/html" } });
    if (answer.ok) feed.innerHTML = await answer.text();
  } catch (error) { /* The node is away for a moment: what is shown stays. */ }
  running = false;
}
if (feed) setInterval(refresh, 4000);
