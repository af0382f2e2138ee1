// Released clients and ours, on one node. The stories, in the order of their numbers:
import "./stories/registration.mjs";
import "./stories/groups.mjs";
import "./stories/dms.mjs";
import "./stories/membership.mjs";
import "./stories/installations.mjs";
import "./stories/metadata.mjs";
import "./stories/forged.mjs";
import "./stories/content.mjs";
import "./stories/streams.mjs";
import "./stories/random-walk.mjs";
import "./stories/vectors.mjs";
import { tellAll } from "./support/stage.mjs";

tellAll();
