export { atSocket, atUrl } from './address.ts';
export { openHttpTransport } from './transport.ts';
