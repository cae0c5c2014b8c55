import { Controller, Get, NotFoundException, Param, Res, UseFilters, VERSION_NEUTRAL } from '@nestjs/common';
import type { Response } from 'express';
import { ConsoleErrorFilter } from '../console-error.filter.js';
import { InConsole } from '../in-console.decorator.js';
import { findAsset } from './console-assets.js';

const FOR_EVER = 'public, max-age=31536000, immutable';

/** Needs no session, because the sign-in page uses the same files. */
@Controller({ path: 'console/assets', version: VERSION_NEUTRAL })
@InConsole()
@UseFilters(ConsoleErrorFilter)
export class AssetsController {
  @Get(':name')
  get(@Param('name') name: string, @Res() response: Response): void {
    const asset = findAsset(name);
    if (asset === undefined) throw new NotFoundException(`There is no file ${name}`);
    response.set({ 'Content-Type': asset.type, 'Cache-Control': FOR_EVER }).send(asset.content);
  }
}
