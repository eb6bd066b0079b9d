/** Why something cannot run on this machine, and how to get what it needs. */
export interface Missing { reason: string, hint: string }
