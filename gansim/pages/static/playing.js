// Runs that play by themselves: in a notebook, in a page of documentation, in a file of their own.

import { players } from "./player.js";

players();
