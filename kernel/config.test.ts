import { describe, expect, it } from '@jest/globals';
import { readConfig } from './config.ts';
import { Fault } from './fault.ts';

describe('the settings', () => {
  it('has a default for all but secrets and outside addresses', () => {
    const config = readConfig({});
    expect(config).toMatchObject({
      host: '127.0.0.1',
      httpPort: 8080,
      iso8583Port: 8583,
      challanDays: 15,
    });
    expect(config.databaseUrl).toBeUndefined();
    expect(config.publicUrl).toBeUndefined();
  });

  it('lists every wrong key at once', () => {
    try {
      readConfig({ SANAD_HTTP_PORT: 'eighty', DATABASE_URL: 'mysql://x', SANAD_NODE: '32' });
      throw new Error('was not refused');
    } catch (error) {
      expect(error).toBeInstanceOf(Fault);
      const { problems } = (error as Fault).fields;
      for (const key of ['SANAD_HTTP_PORT', 'DATABASE_URL', 'SANAD_NODE'])
        expect(problems).toContain(key);
    }
  });

  it('takes an empty value for an absent one', () => {
    expect(readConfig({ DATABASE_URL: '' }).databaseUrl).toBeUndefined();
  });

  it.each([
    [{ SANAD_SMS_URL: 'https://sms.example/send' }],
    [{ SANAD_SMS_TOKEN: 'x', SANAD_SMS_SENDER: 'y' }],
    [{ SANAD_SMTP_URL: 'smtps://mail.example' }],
    [{ SANAD_MAIL_FROM: 'a@b.example' }],
    [{ SANAD_ISO8583_TLS_KEY: 'key.pem', SANAD_ISO8583_TLS_CA: 'ca.pem' }],
    [{ SANAD_ISO8583_TLS_CRL: 'crl.pem' }],
    [{ SANAD_SIGNING_CERT: 'chain.pem' }],
    [{ FABRIC_CONNECTION: 'connection.json', FABRIC_MSP_ID: 'PITB' }],
    [{ SANAD_OUTBOUND_LOOPBACK: 'true' }],
  ])(
    'refuses half of a gateway, of a line’s TLS, of a signature or of a network, and unknown words: %j',
    (environment) => {
      expect(() => readConfig(environment)).toThrow(Fault);
    },
  );

  it('reads the gateways and the hosts that may be called', () => {
    const config = readConfig({
      SANAD_OUTBOUND_HOSTS: 'erp.inside:9000, wasa.inside',
      SANAD_SMS_URL: 'https://sms.example/send',
      SANAD_SMS_TOKEN: 'token',
      SANAD_SMS_SENDER: 'SANAD',
    });
    expect(config.outbound).toEqual({
      allowedHosts: ['erp.inside:9000', 'wasa.inside'],
      allowLoopback: false,
    });
    expect(config.sms).toEqual({
      url: 'https://sms.example/send',
      token: 'token',
      sender: 'SANAD',
    });
    expect(config.mail).toBeUndefined();
  });

  it('reads a Fabric network whole or not at all', () => {
    const files = {
      FABRIC_CONNECTION: 'connection.json',
      FABRIC_MSP_ID: 'PITB',
      FABRIC_CERT: 'cert.pem',
      FABRIC_KEY: 'key.pem',
    };
    expect(readConfig({}).fabric).toBeUndefined();
    expect(readConfig({ ...files, FABRIC_GATEWAYS: 'peer0, peer1,' }).fabric).toEqual({
      connection: 'connection.json',
      mspId: 'PITB',
      certificate: 'cert.pem',
      key: 'key.pem',
      channel: 'estamp',
      chaincode: 'sanad',
      gateways: ['peer0', 'peer1'],
      endorsers: [],
    });
    for (const name of Object.keys(files))
      expect(() => readConfig({ ...files, [name]: '' })).toThrow('settings are wrong');
  });
});
