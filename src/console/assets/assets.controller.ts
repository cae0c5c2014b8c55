import { Controller, Get, NotFoundException, Param, Res, UseFilters } from '@nestjs/common';
import type { Response } from 'express';
import { ConsoleErrorFilter } from '../console-error.filter.js';
import { InConsole } from '../in-console.decorator.js';
import { CONSOLE } from '../paths.js';
import { findAsset } from './console-assets.js';

const FOR_EVER = 'public, max-age=31536000, immutable';

/** Needs no session: the sign-in page has the same looks. */
@Controller('console/assets')
@InConsole()
@UseFilters(ConsoleErrorFilter)
export class AssetsController {
  @Get(':name')
  get(@Param('name') name: string, @Res() response: Response): void {
    const asset = findAsset(`${CONSOLE}/assets/${name}`);
    if (asset === undefined) throw new NotFoundException(`There is no file ${name}`);
    response.set({ 'Content-Type': asset.type, 'Cache-Control': FOR_EVER }).send(asset.content);
  }
}
