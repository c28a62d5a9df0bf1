// Keeps an open page up to date: the server says that something changed, the page is fetched again and its living
// parts are exchanged. Without scripts every page works after a reload.
"use strict";

const PARTS = ["now", "alarm", "live"];
let running = false;
let again = false;

function opened(root) {
  return [...root.querySelectorAll("details[id][open]")].map((it) => it.id);
}

function exchange(fresh) {
  const held = document.activeElement;
  const heldId = held && held.id;
  const open = new Set(opened(document));
  const before = document.getElementById("total");
  const count = before && before.textContent;
  for (const id of PARTS) {
    const old = document.getElementById(id);
    const next = fresh.getElementById(id);
    if (!old || !next || old.innerHTML === next.innerHTML) continue;
    for (const it of next.querySelectorAll("details[id]")) it.open = open.has(it.id);
    old.replaceWith(document.adoptNode(next));
  }
  if (heldId && !document.activeElement?.isSameNode(held)) document.getElementById(heldId)?.focus({ preventScroll: true });
  const after = document.getElementById("total");
  if (after && after.textContent !== count) {
    document.getElementById("told").textContent = `${after.textContent} posts now`;
  }
}

async function refresh() {
  if (running) { again = true; return; }
  running = true;
  try {
    const reply = await fetch(location.href, { cache: "no-store" });
    if (reply.ok) exchange(new DOMParser().parseFromString(await reply.text(), "text/html"));
  } catch {
    document.body.classList.add("away");
  }
  running = false;
  if (again) { again = false; setTimeout(refresh, 200); }
}

const events = new EventSource("/events");
events.onmessage = refresh;
events.onopen = () => {
  if (document.body.classList.contains("away")) refresh();
  document.body.classList.remove("away");
};
events.onerror = () => document.body.classList.add("away");
addEventListener("pagehide", () => events.close());

// A said sentence belongs to the click, not to the address: a reload should not repeat it.
if (new URLSearchParams(location.search).has("said")) {
  const clean = new URL(location.href);
  clean.searchParams.delete("said");
  history.replaceState(null, "", clean);
}

const filter = document.querySelector("form.filter");
if (filter) for (const it of filter.querySelectorAll("select")) it.addEventListener("change", () => filter.requestSubmit());

setInterval(() => {
  const frozen = document.querySelector("#now .frozen");
  const shown = document.querySelector("#now time");
  if (frozen || !shown) return;
  const next = new Date(Date.parse(shown.dateTime) + 1000);
  shown.dateTime = next.toISOString();
  shown.querySelector("b").textContent = next.toISOString().slice(11, 19);
}, 1000);
