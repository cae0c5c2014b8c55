/** Which subjects have a reference: the port behind which a host has its notifications. */
export abstract class SubjectLookup {
  /** @param serviceId undefined: of all services. @returns ids of subjects, the newest first, `limit` at most */
  abstract findByReference(
    reference: string,
    serviceId: string | undefined,
    limit: number,
  ): Promise<readonly string[]>;
}
