/** The port that finds subjects by a reference, for example a host's notifications. */
export abstract class SubjectLookup {
  /**
   * @param serviceId undefined: all services
   * @returns ids of subjects, newest first, at most `limit`
   */
  abstract findByReference(
    reference: string,
    serviceId: string | undefined,
    limit: number,
  ): Promise<readonly string[]>;
}
