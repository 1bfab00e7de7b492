// What a page does by itself in a browser. All of it works without: rows are read, links lead on, times stand there.
import { startAges } from "./age.js";
import { startDetails } from "./details.js";
import { startKeys } from "./keys.js";
import { startRefresh } from "./refresh.js";

startAges();
startDetails();
startKeys();
startRefresh();
