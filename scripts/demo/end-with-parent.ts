/**
 * Loaded into the service before its own code (`node --import`). A killed demo cannot stop its children. But its end
 * closes the channel to them, and the service then stops as on SIGTERM.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
