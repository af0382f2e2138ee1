/** The worker of a client on a test network: that of every client, behind another `fetch`. */
import "./port-fetch.js";
import "../worker.js";
