// What the page itself brings along. On a site that is nothing; wgslm.html, which is one file, has its own.

/** The model to begin with, as a File; null where index.html or the address names one. */
export const carriedModel = null;
