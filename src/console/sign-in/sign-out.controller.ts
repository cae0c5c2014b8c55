import { Controller, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ConsoleErrorFilter } from '../console-error.filter.js';
import { InConsole } from '../in-console.decorator.js';
import { paths } from '../paths.js';
import { clearCookie, COOKIES } from '../session/cookies.js';
import { SessionGuard } from '../session/session.guard.js';

@Controller('console')
@InConsole()
@UseGuards(SessionGuard)
@UseFilters(ConsoleErrorFilter)
export class SignOutController {
  @Post('sign-out')
  signOut(@Req() request: Request, @Res() response: Response): void {
    clearCookie(request, response, COOKIES.session);
    response.redirect(303, paths.signIn);
  }
}
