/** Style sheets are taken out of the bundle by esbuild. */
declare module "*.css";
