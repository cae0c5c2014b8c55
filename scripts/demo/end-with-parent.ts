/**
 * Loaded into the service before its own code (`node --import`). A demo that is killed outright can stop
 * nobody; its end closes the channel to its children, and the service then stops as on any SIGTERM.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
