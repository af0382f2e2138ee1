// Released clients and ours, on one node. The stories, in the order of their numbers:
import "./stories/registration.mjs";
import "./stories/groups.mjs";
import "./stories/dms.mjs";
import "./stories/membership.mjs";
import "./stories/installations.mjs";
import "./stories/revocation.mjs";
import "./stories/metadata.mjs";
import "./stories/permissions.mjs";
import "./stories/disappearing.mjs";
import "./stories/forged.mjs";
import "./stories/content.mjs";
import "./stories/streams.mjs";
import "./stories/preferences.mjs";
import "./stories/leaving.mjs";
import "./stories/removal.mjs";
import "./stories/versions.mjs";
import "./stories/key-packages.mjs";
import "./stories/archives.mjs";
import "./stories/history.mjs";
import "./stories/random-walk.mjs";
import "./stories/vectors.mjs";
import { tellAll } from "./support/stage.mjs";

tellAll();
