/* Everything works without this file. Each module adds one convenience, and writes text only. */
import { countdowns } from "./countdown.js";
import { autosave } from "./autosave.js";
import { zone } from "./zone.js";
import { menus } from "./menu.js";
import { guard } from "./guard.js";
import { counters } from "./counter.js";
import { once } from "./once.js";
import { focusErrors } from "./errors.js";
import { waiting } from "./waiting.js";
import { keys } from "./keys.js";
import { ready } from "./ready.js";
import { price } from "./price.js";

document.documentElement.classList.add("js");
for (const start of [countdowns, autosave, zone, menus, guard, counters, once, focusErrors, waiting, price, keys, ready]) {
  try { start(document); } catch (error) { console.error(error); }
}
