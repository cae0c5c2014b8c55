import { CallbackBodyReader } from './callback-body.reader.js';
import { EndpointReader } from './endpoint.reader.js';
import { EndpointsRepository } from './endpoints.repository.js';
import { FigureFlusher } from '../figures/figure-flusher.js';
import { FigureWriter } from '../figures/figure-writer.js';
import { Figures } from '../figures/figures.js';
import { FiguresRepository } from './figures.repository.js';
import { OverviewReader } from './overview.reader.js';
import { ProcessesRepository } from './processes.repository.js';
import { SearchReader } from './search.reader.js';
import { SearchRepository } from './search.repository.js';

/** In every process: those without processors give up callbacks too. */
export const reporting = [
  CallbackBodyReader,
  EndpointReader,
  OverviewReader,
  SearchReader,
  EndpointsRepository,
  FiguresRepository,
  ProcessesRepository,
  SearchRepository,
  Figures,
  FigureWriter,
  FigureFlusher,
] as const;
