import type { Provider } from '@nestjs/common';
import { CallbackLogReader } from './callback-log.reader.js';
import { CallbackLogRepository } from './callback-log.repository.js';
import { DeliveryJournal } from './delivery-journal.js';
import { EndpointReader } from './endpoint.reader.js';
import { EndpointsRepository } from './endpoints.repository.js';
import { FiguresRepository } from './figures.repository.js';
import { JournalFlusher } from './journal-flusher.js';
import { JournalRepository } from './journal.repository.js';
import { OverviewReader } from './overview.reader.js';
import { PartitionKeeper } from './partition-keeper.js';
import { PartitionsRepository } from './partitions.repository.js';
import { ProcessBeat } from './process-beat.js';
import { ProcessesRepository } from './processes.repository.js';
import { WaitingCallbacks } from './waiting-callbacks.js';

/** What whoever shows the log reads it through. */
export const logReaders = [CallbackLogReader, EndpointReader, OverviewReader];

/** In every process. */
export const logReading: Provider[] = [
  ...logReaders,
  CallbackLogRepository,
  EndpointsRepository,
  FiguresRepository,
  ProcessesRepository,
  WaitingCallbacks,
];

/** Where callbacks are delivered. */
export const logWriting: Provider[] = [
  DeliveryJournal,
  JournalRepository,
  JournalFlusher,
  PartitionsRepository,
  PartitionKeeper,
  ProcessBeat,
];
