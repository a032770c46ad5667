/** The build gives a style sheet and all that it imports as one text. */
declare module "*.css" {
  const text: string;
  export default text;
}
