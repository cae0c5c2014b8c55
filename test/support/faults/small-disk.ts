import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CHUNK = Buffer.alloc(64 * 1_024);

/** Whether this process may mount a file system: as root, unless a container forbids it. */
export function canMount(): boolean {
  const probe = mkdtempSync(join(tmpdir(), 'service-callbacks-mount-'));
  const mounted = mount(probe, 1);
  if (mounted) unmount(probe);
  rmdirSync(probe);
  return mounted;
}

/** A small disk behind a directory, which can really become full. */
export class SmallDisk {
  private readonly filler: string;

  /** @throws if {@link canMount} is false */
  constructor(
    private readonly directory: string,
    megabytes: number,
  ) {
    if (!mount(directory, megabytes)) throw new Error(`Nothing can be mounted at ${directory}`);
    this.filler = join(directory, 'filler');
  }

  /** Fills it to the last byte: the next write fails with ENOSPC. */
  async fill(): Promise<void> {
    const file = await open(this.filler, 'w');
    try {
      for (;;) await file.write(CHUNK);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ENOSPC') throw error;
    } finally {
      await file.close();
    }
  }

  async free(): Promise<void> {
    await rm(this.filler);
  }

  remove(): void {
    unmount(this.directory);
  }
}

function mount(directory: string, megabytes: number): boolean {
  const options = `size=${megabytes}m,mode=0755`;
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]).status === 0;
}

function unmount(directory: string): void {
  spawnSync('umount', [directory]);
}
