import { Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { paths } from '../paths.js';
import { clearCookie, COOKIES } from '../session/cookies.js';
import { SessionPages } from '../session-pages.decorator.js';

@SessionPages('console')
export class SignOutController {
  @Post('sign-out')
  signOut(@Req() request: Request, @Res() response: Response): void {
    clearCookie(request, response, COOKIES.session);
    response.redirect(303, paths.signIn);
  }
}
