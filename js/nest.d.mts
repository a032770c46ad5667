export function nest(css: string): string;

export function shorten(css: string): string;
