/** Example ids, the same in all of the documentation. */
export const EXAMPLE_IDS = {
  service: '7d1f7f0c-3a7e-4b39-9a55-2f6f0a4d8c11',
  user: '0f8fad5b-d9cb-469f-a165-70867728950e',
  callbackApi: 'c3a4c5de-6b1f-4e0a-8a51-52d3e7a90b34',
  callback: '019ac5d4-8c3e-7b52-9f0d-6a1e2b3c4d5e',
  notification: '740e5834-3a29-46b4-9a6f-16142fde533a',
  template: '85904ed1-f8ae-4fb7-8f5c-1d2b7cf0e0a7',
  replay: '5b1d9c7e-2f4a-4d1b-a0c3-9e8f7a6b5c4d',
  test: '2c5ea4c0-4067-4fe9-8bad-4b1b7d6f6f0a',
} as const;

export const EXAMPLE_URL = 'https://claims.example.gov.uk/callbacks/delivery-status';
