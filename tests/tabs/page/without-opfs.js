// The package's worker in a browser that has no private file system.
import "./no-opfs.js";
import "/pkg/worker.js";
