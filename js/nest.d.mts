export function nest(css: string): string;
