// What such a browser lacks, taken away before the worker looks for it.
delete globalThis.FileSystemSyncAccessHandle;
