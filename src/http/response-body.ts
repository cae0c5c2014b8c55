import { z, type ZodType } from 'zod';

/** Fields of responses: an example, and a description if the name does not say everything. */
export const text = (example: string, description?: string) =>
  z.string().meta({ examples: [example], description });

export const uuid = (example: string, description?: string) =>
  z.uuid().meta({ examples: [example], description });

/** ISO 8601, UTC. */
export const time = (example: string, description?: string) =>
  z.iso.datetime().meta({ examples: [example], description });

export const whole = (example: number, description?: string) =>
  z.int().meta({ examples: [example], description });

/** A response about one thing. */
export const dataOf = <Schema extends ZodType>(schema: Schema) => z.strictObject({ data: schema });

/** A page of a list, newest first. */
export const pageOf = <Schema extends ZodType>(item: Schema) =>
  z.strictObject({
    data: z.array(item),
    next_cursor: text(
      'MjAyNi0xMS0yOFQxMDowMDowMC4wMDBaIDAxOWFjNWQ0',
      '`cursor` of the next page; null on the last one',
    ).nullable(),
  });
