/* A run's page follows its run.

   The stream of the run's events says when to look again; what is shown always comes from the page's own address,
   so nothing can be missed or shown twice. The page asks every second by itself (htmx): this script holds that back
   while the stream is open, and lets it go on when there is no stream, because the browser has none, the connection
   broke or all places are taken. */
"use strict";

(() => {
  const LOOK_AT_MOST_EVERY = 250; // milliseconds: a burst of events is one look
  const PROGRESS_EVERY = 2000; // progress is no event
  const AGAIN_AFTER_REFUSAL = 15000;

  const live = document.getElementById("live");
  const said = document.getElementById("live-said");
  if (!live || !live.dataset.stream || !window.htmx) return;

  let last = live.dataset.last;
  let stream = null; // an AbortController while the stream is open or being opened
  let retry = 0;
  let isFollowing = false;
  let hasEnded = false;
  let lookedAt = 0;
  let looking = 0;
  let shown = "";

  function look() {
    if (looking) return;
    looking = setTimeout(() => {
      looking = 0;
      lookedAt = Date.now();
      htmx.trigger(live, "news");
    }, Math.max(0, lookedAt + LOOK_AT_MOST_EVERY - Date.now()));
  }

  function setFollowing(value) {
    isFollowing = value;
    live.dataset.follows = hasEnded ? "no more" : value ? "stream" : "clock";
  }

  async function read(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (text + value).split("\n\n");
      text = blocks.pop(); // what is not whole yet is told again after a cut
      for (const block of blocks) {
        const id = /^id: (\d+)$/m.exec(block);
        if (id) {
          last = id[1];
          look();
        }
      }
    }
  }

  async function follow() {
    clearTimeout(retry);
    if (stream || hasEnded || document.hidden) return;
    const mine = (stream = new AbortController());
    let pause = AGAIN_AFTER_REFUSAL;
    try {
      const headers = { Accept: "text/event-stream", "Last-Event-ID": last };
      const answer = await fetch(live.dataset.stream, { headers, signal: mine.signal });
      if (answer.status === 204) hasEnded = true; // the run has ended, and everything was told
      if (answer.status === 200) {
        setFollowing(true);
        look(); // whatever happened while nobody listened
        await read(answer.body);
        pause = 1000; // the server ends long streams; the next one goes on where this one ended
      }
    } catch {
      // cut, or left on purpose: the clock goes on meanwhile
    }
    if (stream !== mine) return;
    stream = null;
    setFollowing(false);
    if (hasEnded) look();
    else retry = setTimeout(follow, pause);
  }

  function leave() {
    if (stream) stream.abort();
    stream = null;
    setFollowing(false);
  }

  // Nobody looks at a hidden page: its place is for others.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) leave();
    else if (!hasEnded) {
      look();
      follow();
    }
  });

  live.addEventListener("htmx:beforeRequest", (event) => {
    const isNews = event.detail.requestConfig.triggeringEvent?.type === "news";
    if (isNews) return;
    const showsWork = live.querySelector("tbody .board-running");
    const isDue = !isFollowing || (showsWork && Date.now() - lookedAt >= PROGRESS_EVERY);
    if (document.hidden || !isDue) event.preventDefault();
    else lookedAt = Date.now();
  });

  // What a person has opened, focused or scrolled to stays so.
  let kept = null;
  live.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.serverResponse === shown) {
      event.detail.shouldSwap = false;
      return;
    }
    shown = event.detail.serverResponse;
    const focused = document.activeElement?.closest("#live a, #live summary, #verbs a");
    const events = document.getElementById("events");
    // News may come before the last ones have settled: then nothing has the focus back yet.
    const isSettling = kept && document.activeElement === document.body;
    kept = {
      focus: isSettling ? kept.focus : document.activeElement === events ? "#events" : focused && addressOf(focused),
      open: [...live.querySelectorAll("details[open]")].map((details) => details.id),
      scroll: events ? events.scrollTop : 0,
    };
  });

  live.addEventListener("htmx:afterSwap", () => {
    if (!kept) return;
    for (const id of kept.open) document.getElementById(id)?.setAttribute("open", "");
    const events = document.getElementById("events");
    if (events) events.scrollTop = kept.scroll;
    tell();
  });

  // The buttons are swapped before the rest has settled: the focus comes last.
  live.addEventListener("htmx:afterSettle", () => {
    if (kept?.focus) document.querySelector(kept.focus)?.focus({ preventScroll: true });
    kept = null;
  });

  function addressOf(node) {
    if (node.matches("summary")) return `#${CSS.escape(node.parentElement.id)} > summary`;
    const place = node.closest("#verbs") ? "#verbs" : "#live";
    return `${place} a[href="${CSS.escape(node.getAttribute("href"))}"]`;
  }

  // Read out politely: how the run stands and what happened last.
  function tell() {
    const status = live.querySelector(".board-status").textContent.trim();
    const event = live.querySelector("#events li")?.lastChild?.textContent.trim();
    const text = `${status}. ${event ?? ""}`;
    if (said.textContent !== text) said.textContent = text;
  }

  setFollowing(false);
  follow();
})();
