/** What early.js leaves for api.js. */
interface Window {
  early?: Map<string, Promise<Response>>;
}
