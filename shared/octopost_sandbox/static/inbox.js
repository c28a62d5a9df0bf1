// Keeps an open page up to date: the server says that something changed, the page is fetched again, and what differs
// is changed in place, so that focus, open details and a half-done click stay. Without scripts a reload does the same.
"use strict";

const PARTS = ["now", "alarm", "live"];
let running = false;
let again = false;

function alike(old, next) {
  return old.nodeType === next.nodeType && old.nodeName === next.nodeName && (old.id || "") === (next.id || "");
}

function morph(old, next) {
  if (!alike(old, next)) { old.replaceWith(next); return; }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) {
    if (!next.hasAttribute(name) && !(old.nodeName === "DETAILS" && name === "open")) old.removeAttribute(name);
  }
  const known = new Map([...old.children].filter((it) => it.id).map((it) => [it.id, it]));
  let at = old.firstChild;
  for (const want of [...next.childNodes]) {
    const mine = want.id ? known.get(want.id) : null;
    if (mine && mine !== at) {
      old.insertBefore(mine, at);
      morph(mine, want);
    } else if (at && alike(at, want)) {
      const following = at.nextSibling;
      morph(at, want);
      at = following;
    } else {
      old.insertBefore(want, at);
    }
  }
  while (at) {
    const following = at.nextSibling;
    at.remove();
    at = following;
  }
}

function exchange(fresh) {
  const count = document.getElementById("total")?.textContent;
  for (const id of PARTS) {
    const [old, next] = [document.getElementById(id), fresh.getElementById(id)];
    if (old && next) morph(old, next);
  }
  const after = document.getElementById("total")?.textContent;
  if (after && after !== count) document.getElementById("told").textContent = `Posts: ${after}`;
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
