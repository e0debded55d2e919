// The home page stays true while it is open: a signal that something changed brings its parts anew.

import { here } from "./address.js";
import { fetchPage, gather, put, words } from "./patch.js";

const GATHER = 800; // ms in which several changes become one request

const want = gather(GATHER, async () => {
  const old = document.getElementById("home");
  const page = await fetchPage(here(), null, { "HX-Request": "true", "HX-Target": "home" });
  const fresh = page?.getElementById("home");
  if (fresh && words(fresh) !== words(old)) put(old, fresh);
});

document.addEventListener("parley:customers", want);
document.body.addEventListener("parley:signal", want);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && want());
